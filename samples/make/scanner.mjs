// @ts-check
import { createRandom, normalTable } from "./random.mjs";

/** @import { BilevelImage } from "./g4.mjs" */
/** @import { GreyImage } from "./render.mjs" */

/**
 * How a sheet was scanned. Grey values are 0 (black) to 255 (white).
 * @typedef {object} Scan
 * @property {number} seed
 * @property {number} [skew] degrees, clockwise
 * @property {number} [blur] standard deviation of the lens's point spread, pixels
 * @property {number} [noise] standard deviation of the sensor's noise, grey values
 * @property {number} [paper] grey value of the paper
 * @property {number} [ink] grey value of the ink
 * @property {number} [shade] how much darker the darkest corner of the sheet is, 0-1
 * @property {number} [specks] dust, per square inch
 * @property {number} [edge] dark band of the scanner's lid along the left edge, pixels
 * @property {boolean} [punched] two filing holes in the left margin
 * @property {number} [showThrough] how much of the mirrored sheet shines through from the back, 0-1
 */

const normal = normalTable(createRandom(20260101));

/**
 * A clean sheet as a scanner would deliver it.
 * @param {GreyImage} sheet
 * @param {Scan} scan
 * @returns {GreyImage}
 */
export function scanGrey(sheet, scan) {
  const { width, height, dpi } = sheet;
  const random = createRandom(scan.seed);
  const turned = rotate(sheet, scan.skew ?? 0, random.between(-4, 4), random.between(-4, 4));
  if (scan.showThrough) mirrorBehind(turned, width, height, scan.showThrough);
  const soft = blur(turned, width, height, scan.blur ?? 0.6);
  if (scan.specks) addSpecks(soft, width, height, Math.round((scan.specks * width * height) / (dpi * dpi)), random);
  if (scan.punched) punch(soft, width, height, dpi);

  const paper = scan.paper ?? 246;
  const ink = scan.ink ?? 28;
  const noise = scan.noise ?? 3;
  const shade = scan.shade ?? 0;
  const grey = new Uint8Array(width * height);
  // Noise is read at a stride through the table that changes row by row, so that no pattern repeats visibly.
  for (let y = 0; y < height; y++) {
    let at = random.integer(0, normal.length - 1);
    const stride = random.integer(1, 4095) | 1;
    const band = (scan.edge ?? 0) > 0 ? (scan.edge ?? 0) + random.between(-1.5, 1.5) + y * 0.004 : -1;
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const light = 1 - shade * ((x / width) * 0.4 + (y / height) * 0.6) ** 2;
      let value = (ink + ((paper - ink) * /** @type {number} */ (soft[i])) / 255) * light;
      if (x < band) value *= 0.35;
      at = (at + stride) & 0xffff;
      value += noise * /** @type {number} */ (normal[at]);
      grey[i] = Math.min(255, Math.max(0, value));
    }
  }
  return { width, height, dpi, grey };
}

/**
 * A clean sheet as a scanner or fax in black and white would deliver it: the grey scan, cut at a threshold.
 * @param {GreyImage} sheet
 * @param {Scan & { threshold?: number }} scan
 * @returns {BilevelImage}
 */
export function scanBilevel(sheet, scan) {
  const { width, height, dpi, grey } = scanGrey(sheet, scan);
  const threshold = scan.threshold ?? 150;
  const black = new Uint8Array(width * height);
  for (let i = 0; i < black.length; i++) black[i] = /** @type {number} */ (grey[i]) < threshold ? 1 : 0;
  return { width, height, dpi, black };
}

/**
 * @param {GreyImage} image @param {number} degrees @param {number} dx @param {number} dy
 * @returns {Float32Array}
 */
function rotate(image, degrees, dx, dy) {
  const { width, height, grey } = image;
  const out = new Float32Array(width * height).fill(255);
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const cx = width / 2;
  const cy = height / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fx = cos * (x - cx) + sin * (y - cy) + cx - dx;
      const fy = -sin * (x - cx) + cos * (y - cy) + cy - dy;
      const x0 = Math.floor(fx);
      const y0 = Math.floor(fy);
      if (x0 < 0 || y0 < 0 || x0 + 1 >= width || y0 + 1 >= height) continue;
      const wx = fx - x0;
      const wy = fy - y0;
      const i = y0 * width + x0;
      const top = /** @type {number} */ (grey[i]) * (1 - wx) + /** @type {number} */ (grey[i + 1]) * wx;
      const low = /** @type {number} */ (grey[i + width]) * (1 - wx) + /** @type {number} */ (grey[i + width + 1]) * wx;
      out[y * width + x] = top * (1 - wy) + low * wy;
    }
  }
  return out;
}

/**
 * Gaussian blur, along the rows and then down the columns.
 * @param {Float32Array} image @param {number} width @param {number} height @param {number} deviation
 */
function blur(image, width, height, deviation) {
  const radius = Math.ceil(deviation * 2.5);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * deviation ** 2)),
  );
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const weights = Float32Array.from(kernel, (weight) => weight / total);
  const half = new Float32Array(image.length);
  const full = new Float32Array(image.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        const at = Math.min(width - 1, Math.max(0, x + k));
        sum += /** @type {number} */ (weights[k + radius]) * /** @type {number} */ (image[y * width + at]);
      }
      half[y * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let k = -radius; k <= radius; k++) {
      const from = Math.min(height - 1, Math.max(0, y + k)) * width;
      const weight = /** @type {number} */ (weights[k + radius]);
      const to = y * width;
      for (let x = 0; x < width; x++) full[to + x] = (full[to + x] ?? 0) + weight * (half[from + x] ?? 0);
    }
  }
  return full;
}

/** @param {Float32Array} image @param {number} width @param {number} height @param {number} strength */
function mirrorBehind(image, width, height, strength) {
  for (let y = 0; y < height; y++) {
    const row = image.slice(y * width, (y + 1) * width);
    for (let x = 0; x < width; x++) {
      const back = 255 - /** @type {number} */ (row[width - 1 - x]);
      image[y * width + x] = Math.max(0, /** @type {number} */ (row[x]) - back * strength);
    }
  }
}

/**
 * @param {Float32Array} image @param {number} width @param {number} height @param {number} count
 * @param {ReturnType<typeof createRandom>} random
 */
function addSpecks(image, width, height, count, random) {
  for (let n = 0; n < count; n++) {
    const radius = random.between(0.4, 1.3);
    disc(image, width, height, random.between(0, width), random.between(0, height), radius, random.between(30, 140));
  }
}

/** @param {Float32Array} image @param {number} width @param {number} height @param {number} dpi */
function punch(image, width, height, dpi) {
  for (const y of [height / 2 - 1.57 * dpi, height / 2 + 1.57 * dpi]) {
    disc(image, width, height, 0.42 * dpi, y, 0.115 * dpi, 20);
  }
}

/**
 * @param {Float32Array} image @param {number} width @param {number} height
 * @param {number} cx @param {number} cy @param {number} radius @param {number} value
 */
function disc(image, width, height, cx, cy, radius, value) {
  for (let y = Math.floor(cy - radius); y <= cy + radius; y++) {
    for (let x = Math.floor(cx - radius); x <= cx + radius; x++) {
      if (x < 0 || y < 0 || x >= width || y >= height || Math.hypot(x - cx, y - cy) > radius) continue;
      image[y * width + x] = Math.min(value, /** @type {number} */ (image[y * width + x]));
    }
  }
}
