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
  timer = 0;
  const until = performance.now() + SLICE_MS;
  try {
    while (next < jobs.length && performance.now() < until) jobs[next++]();
  } finally {
    // Also if a job has failed: those behind it are not to wait for ever.
    if (next < jobs.length) timer = setTimeout(run, PAUSE_MS);
    else jobs.length = next = 0;
  }
}
