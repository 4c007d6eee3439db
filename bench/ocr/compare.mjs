/**
 * Compares two readers on the same pages, condition by condition and on all of them.
 * @param {{ condition: string, errors: number, others: number, characters: number }[]} pages wrong characters of one
 *   reader and of the other on each page
 * @returns {{ condition: string, pages: number, characters: number, errors: number, others: number, chance: number }[]}
 */
export function compareReaders(pages) {
  const conditions = [...new Set(pages.map(({ condition }) => condition)), "all"];
  return conditions.map((condition) => {
    const of = pages.filter((page) => condition === "all" || page.condition === condition);
    const sum = (count) => of.reduce((total, page) => total + count(page), 0);
    return {
      condition,
      pages: of.length,
      characters: sum((page) => page.characters),
      errors: sum((page) => page.errors),
      others: sum((page) => page.others),
      chance: chanceOfWorse(of.map(({ errors, others }) => errors - others)),
    };
  });
}

/**
 * The probability that chance alone makes the sum of the differences as large as it is, or larger, were each as likely
 * the other way round: the exact permutation test for pairs. Small (below 0.05): the first reader is worse.
 * @param {number[]} differences whole numbers
 */
export function chanceOfWorse(differences) {
  const observed = differences.reduce((sum, difference) => sum + difference, 0);
  let sums = new Map([[0, 1]]);
  for (const difference of differences) {
    const next = new Map();
    for (const [sum, share] of sums) {
      for (const signed of [difference, -difference]) {
        next.set(sum + signed, (next.get(sum + signed) ?? 0) + share / 2);
      }
    }
    sums = next;
  }
  return [...sums].reduce((total, [sum, share]) => (sum >= observed ? total + share : total), 0);
}
