// Colours that most people tell apart: Okabe and Ito's for classes, viridis for
// numbers. A colour is 0xRRGGBB.

/** classColours are Okabe and Ito's, of which black is grey: it is seen on dark too. */
export const classColours = [0x0072b2, 0xe69f00, 0x009e73, 0xd55e00, 0x56b4e9, 0xcc79a7, 0xf0e442, 0x8a8a8a];

/** classLook is the colour and the shape of a class. */
export function classLook(c: number): { colour: number; shape: number } {
  return { colour: classColours[c % classColours.length], shape: Math.floor(c / classColours.length) % shapes.length };
}

/** shapes are the marks of classes, which tell apart those of one colour: whether a place within the unit square belongs to it. */
export const shapes: Array<{ name: string; inside: (x: number, y: number) => boolean }> = [
  { name: "disc", inside: (x, y) => x * x + y * y <= 1 },
  { name: "square", inside: (x, y) => Math.abs(x) <= 0.86 && Math.abs(y) <= 0.86 },
  { name: "triangle", inside: (x, y) => y <= 0.85 && y >= -1 + 1.85 * Math.abs(x) },
  { name: "ring", inside: (x, y) => x * x + y * y <= 1 && x * x + y * y >= 0.3 },
  { name: "cross", inside: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.36 },
];

/** places are viridis at ten places from 0 to 1. */
const places = [0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725];

/** viridis is the colour of a share from 0 to 1. */
export function viridis(share: number): number {
  const at = Math.min(Math.max(share, 0), 1) * (places.length - 1);
  const i = Math.min(Math.floor(at), places.length - 2);
  let colour = 0;
  for (const shift of [16, 8, 0]) {
    const a = (places[i] >> shift) & 255, b = (places[i + 1] >> shift) & 255;
    colour |= Math.round(a + (b - a) * (at - i)) << shift;
  }
  return colour;
}

export const css = (colour: number): string => "#" + colour.toString(16).padStart(6, "0");

/** parse reads #rrggbb. */
export const parse = (text: string): number => parseInt(text.trim().slice(1), 16);
