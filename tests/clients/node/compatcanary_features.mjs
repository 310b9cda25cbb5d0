// compatcanary, a kit that probes what agents need of an API.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { apiKey, baseURL, feature, model, report } from "./reporting.mjs";

const scan = () => {
  const kit = new URL("node_modules/compatcanary/src/cli.js", import.meta.url).pathname;
  const options = ["--base-url", baseURL, "--model", model, "--format", "json", "--fail-on", "never"];
  const run = spawnSync("node", [kit, "scan", ...options], {
    env: { ...process.env, OPENAI_API_KEY: apiKey },
    encoding: "utf8",
  });
  const { score, results } = JSON.parse(run.stdout);
  const missed = results.filter(({ status }) => status !== "pass");
  assert.equal(missed.length, 0, JSON.stringify(missed));
  assert.equal(score, 100);
};

await report(["compatcanary"], { "all probes, 100 of 100": feature(scan, 6) });
