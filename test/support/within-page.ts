/**
 * For `onHeartbeat` of a recognition: does something once, when the engine is at work within a page and listens to nobody.
 * The first sign of life of a page is of its beginning, the second from within it; a page that is read at once has no second.
 */
export function onceWithinPage(act: () => void): (sign: { page: number }) => void {
  const begun = new Set<number>();
  let done = false;
  return ({ page }) => {
    if (!begun.has(page)) begun.add(page);
    else if (!done) {
      done = true;
      act();
    }
  };
}
