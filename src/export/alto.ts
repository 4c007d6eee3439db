import { type Box, type Line, wordsOf } from "../contract/page.ts";
import type { ExportInput } from "./export-input.ts";
import { isPdf, type PlacedPage, placePages } from "./placed-page.ts";
import { escapeXml } from "./xml.ts";

/** ALTO's unit for documents with physical sizes: 1/1200 inch. */
const unitsPerPoint = 1200 / 72;
const namespace = "http://www.loc.gov/standards/alto/ns-v4#";

/** A document as ALTO 4.4 (<https://www.loc.gov/standards/alto/>): pages, blocks, lines, strings with confidence. */
export async function* toAlto(input: ExportInput): AsyncGenerator<string> {
  const { document } = input;
  yield `<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="${namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="${namespace} http://www.loc.gov/standards/alto/v4/alto-4-4.xsd" SCHEMAVERSION="4.4">
 <Description>
  <MeasurementUnit>${isPdf(input) ? "inch1200" : "pixel"}</MeasurementUnit>
  <sourceImageInformation>
   <fileName>${escapeXml(document.fileName)}</fileName>
   <documentIdentifier>${document.documentId}</documentIdentifier>
  </sourceImageInformation>
  <Processing ID="processing_1">
   <processingSoftware><softwareName>docket</softwareName></processingSoftware>
  </Processing>
 </Description>
 <Layout>
`;
  for await (const page of placePages(input, unitsPerPoint)) {
    const size = `WIDTH="${page.width}" HEIGHT="${page.height}"`;
    yield `  <Page ID="page_${page.number}" PHYSICAL_IMG_NR="${page.number}" ${size} PROCESSINGREFS="processing_1">\n`;
    yield `   <PrintSpace HPOS="0" VPOS="0" ${size}>\n`;
    for (const [i, block] of page.blocks.entries()) yield blockElement(page, block, i + 1);
    yield "   </PrintSpace>\n  </Page>\n";
  }
  yield " </Layout>\n</alto>\n";
}

function blockElement(page: PlacedPage, { box, lines }: PlacedPage["blocks"][number], number: number): string {
  const id = `${page.number}_${number}`;
  let xml = `    <TextBlock ID="block_${id}" ${position(page, box)}>\n`;
  for (const [i, line] of lines.entries()) {
    xml += `     <TextLine ID="line_${id}_${i + 1}" ${position(page, line.box)}>\n${strings(page, line)}     </TextLine>\n`;
  }
  return `${xml}    </TextBlock>\n`;
}

function strings(page: PlacedPage, line: Line): string {
  return wordsOf(line)
    .map(({ box, text, confidence }) => {
      const sure = Math.min(1, Math.max(0, confidence / 100)).toFixed(4);
      return `      <String ${position(page, box)} WC="${sure}" CONTENT="${escapeXml(text)}"/>\n`;
    })
    .join("      <SP/>\n");
}

function position(page: PlacedPage, box: Box): string {
  const { left, top, width, height } = page.place(box);
  return `HPOS="${left}" VPOS="${top}" WIDTH="${width}" HEIGHT="${height}"`;
}
