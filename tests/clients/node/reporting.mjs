// Runs what a client is asked to do and prints what came of it as JSON, for tests/clients/clients.py.
// The service's address is in BASE_URL, that of the simulated backend in SIMULATOR, a key in KEY, and in PACKAGES the
// folder in which the client is installed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

export const baseURL = process.env.BASE_URL;
export const apiKey = process.env.KEY;
export const refusedKey = `fk-dead-${apiKey}`; // the backend does not know it: 401
export const cappedKey = `${apiKey}-capped`; // the key for `capped`, so that others are not
export const capped = "Hello [[sim fault=model_cap_exceeded]]"; // its message cap is reached for an hour and a half: 429
export const model = "gpt-4-s";
export const noModel = "no-such-model"; // 404
export const oslo = "What is the weather in Oslo?";
export const say = "Say exactly: fine";
export const long = "Write 2000 words about tides [[sim pace=25]]"; // an answer of more than a minute
export const picture =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4r6BAEmIY1TCqYfhqAAB2tz8QTpo+mwAAAABJRU5ErkJggg==";
export const pictureSeen = "image/png, 16 x 16"; // what the simulated backend says of it
export const weather = (city) => `It snows in ${city}.`;
export const installed = createRequire(`${process.env.PACKAGES}/`);

const versionOf = (name) =>
  JSON.parse(readFileSync(`${process.env.PACKAGES}/node_modules/${name}/package.json`)).version;

// The messages that were posted with keys of this program; with "running", those of them that run now.
const posted = async (name = "attempts") => {
  const accounts = await (await fetch(`${process.env.SIMULATOR}/__sim/accounts`)).json();
  const own = Object.entries(accounts).filter(([key]) => key.includes(apiKey));
  return own.reduce((sum, [, { counts }]) => sum + counts[name], 0);
};

// The answer that the client has left is stopped at the backend, long before its end.
export const cancelled = async () => {
  for (let tries = 0; (await posted("running")) > 0; tries += 1) {
    assert.ok(tries < 200, "it runs on");
    await setTimeout(50);
  }
};

// `run` must not fail. The backend must have been posted `posts` messages then: none is posted twice.
export const feature = (run, posts = 1) => ({ run, posts });

export const report = async (packages, features) => {
  const outcomes = {};
  for (const [name, { run, posts }] of Object.entries(features)) {
    const before = await posted();
    try {
      await run();
      assert.equal((await posted()) - before, posts, "messages that were posted");
      outcomes[name] = "";
    } catch (error) {
      outcomes[name] = `${error.name}: ${error.message}`;
    }
  }
  const versions = Object.fromEntries(packages.map((name) => [name, versionOf(name)]));
  console.log(JSON.stringify({ versions, outcomes }));
};
