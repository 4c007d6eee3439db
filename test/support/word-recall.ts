/** The share (0-1) of the truth's words that a reading holds, counted with their repetitions. */
export function wordRecall(truth: string, reading: string): number {
  const wanted = countWords(truth);
  const found = countWords(reading);
  let total = 0;
  let matched = 0;
  for (const [word, count] of wanted) {
    total += count;
    matched += Math.min(count, found.get(word) ?? 0);
  }
  return total === 0 ? 1 : matched / total;
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.normalize("NFKC").split(/\s+/).filter(Boolean)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
