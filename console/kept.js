// What is remembered between visits. Where the browser allows no storage, nothing is, and the page works.

export function recall(name, storage = "localStorage") {
  try {
    return window[storage].getItem(name);
  } catch {
    return null;
  }
}

/** Remember `value` under `name`; null forgets it. */
export function keep(name, value, storage = "localStorage") {
  try {
    if (value === null) window[storage].removeItem(name);
    else window[storage].setItem(name, value);
  } catch {
    // Then it lasts as long as the page.
  }
}
