// What the browser remembers between visits. If it allows no storage, the page works without.

/** The value stored under `name`, or null. */
export function recall(name, storage = "localStorage") {
  try {
    return window[storage].getItem(name);
  } catch {
    return null;
  }
}

/** Store `value` under `name`; null removes it. */
export function keep(name, value, storage = "localStorage") {
  try {
    if (value === null) window[storage].removeItem(name);
    else window[storage].setItem(name, value);
  } catch {
    // The value then lasts as long as the page.
  }
}
