// Writes the broken and hostile documents into a folder: node test/bad-inputs/make.mjs FOLDER [WORD]
import { badInputs, writeBadInput } from "./catalogue.mjs";

const [folder, word = ""] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Usage: node test/bad-inputs/make.mjs FOLDER [WORD]\nWORD: only documents whose name contains it.");
  process.exit(1);
}
const chosen = badInputs.filter(({ name }) => name.includes(word));
for (const input of chosen) {
  await writeBadInput(input, folder);
  console.log(`${input.name}\t${input.textract.join("|")}\t${input.local.join("|")}`);
}
console.error(`${chosen.length} documents are in ${folder}`);
