// Runs what a client is asked to do and prints what came of it as JSON, for tests/clients/runs.py.
// The service's address is in BASE_URL, a key in KEY.
import { readFileSync } from "node:fs";

export const baseURL = process.env.BASE_URL;
export const apiKey = process.env.KEY;
export const model = "gpt-4-s";
export const oslo = "What is the weather in Oslo?";
export const weather = (city) => `It snows in ${city}.`;

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

export const report = async (packages, features) => {
  const outcomes = {};
  for (const [name, feature] of Object.entries(features)) {
    try {
      await feature();
      outcomes[name] = "";
    } catch (error) {
      outcomes[name] = `${error.name}: ${error.message}`;
    }
  }
  const versions = Object.fromEntries(packages.map((name) => [name, versionOf(name)]));
  console.log(JSON.stringify({ versions, outcomes }));
};
