/**
 * For `onHeartbeat` of a recognition: does something once, a moment after the first sign of life, which is of a page's
 * beginning: the engine is at work then and listens to nobody.
 */
export function onceWithinPage(act: () => void): () => void {
  let begun = false;
  return () => {
    if (begun) return;
    begun = true;
    setTimeout(act, 50);
  };
}
