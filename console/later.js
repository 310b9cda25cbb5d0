// Work that can wait, in slices between frames, so that the page stays alive however much of it there is.

const SLICE_MS = 8;
const PAUSE_MS = 8;

const jobs = [];
let next = 0, timer = 0;

/** Call `job` soon, after those that wait already. */
export function later(job) {
  jobs.push(job);
  timer ||= setTimeout(run);
}

function run() {
  const until = performance.now() + SLICE_MS;
  while (next < jobs.length && performance.now() < until) jobs[next++]();
  if (next < jobs.length) timer = setTimeout(run, PAUSE_MS);
  else jobs.length = next = timer = 0;
}
