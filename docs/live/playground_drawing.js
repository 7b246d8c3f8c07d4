// Draws a frame of the playground: D's surface, the points on it, and the losses.
export const REACH = 2.5;
const SIDE = 40, FINE = 200, BANDS = 14;
const LONG = 0.12, USUAL = 0.06;  // of an arrow: at most, and usually, as shares of the plane

// A canvas of as many pixels as the screen has for it, and its context in the page's units.
function ready(canvas) {
  const {clientWidth: width, clientHeight: height} = canvas, scale = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, {width: w, height: h});
  const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height, color: name => style.getPropertyValue(`--play-${name}`).trim()};
}

export function toPlane(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [(2 * (event.clientX - box.left) / box.width - 1) * REACH,
    (1 - 2 * (event.clientY - box.top) / box.height) * REACH];
}

// real: numbers x, y, x, y ..., or nothing
export function plane(canvas, frame, real) {
  const {context, width, height, color} = ready(canvas);
  const x = v => (v / REACH + 1) / 2 * width, y = v => (1 - v / REACH) / 2 * height;
  if (frame) surface(context, frame.surface.data, color("low"), color("high"), width, height);
  context.strokeStyle = color("real");
  context.lineWidth = 1.3;
  for (let k = 0; k < (real?.length ?? 0); k += 2) {  // rings: not told apart by colour alone
    context.beginPath();
    context.arc(x(real[k]), y(real[k + 1]), 2.6, 0, 7);
    context.stroke();
  }
  if (!frame) {
    context.fillStyle = color("words");
    context.font = "16px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("Press Play", width / 2, 0.47 * height);
    return;
  }
  const {samples: {data: made}, arrows: {data: arrows}, usual} = frame;
  const unit = USUAL * width / Math.max(usual, 1e-30);
  context.strokeStyle = color("arrow");
  context.lineWidth = 1;
  context.beginPath();
  for (let k = 0; k < made.length; k += 2) {
    const length = Math.hypot(arrows[k], arrows[k + 1]) * unit;
    const by = unit * Math.min(1, LONG * width / Math.max(length, 1e-30));
    context.moveTo(x(made[k]), y(made[k + 1]));
    context.lineTo(x(made[k]) + by * arrows[k], y(made[k + 1]) - by * arrows[k + 1]);
  }
  context.stroke();
  context.fillStyle = color("made");
  for (let k = 0; k < made.length; k += 2) {
    context.beginPath();
    context.arc(x(made[k]), y(made[k + 1]), 2.4, 0, 7);
    context.fill();
  }
}

const picture = document.createElement("canvas");  // of the surface
picture.width = picture.height = FINE;

// In bands, whose edges are lines of one height; light is what D takes for real.
function surface(context, heights, low, high, width, height) {
  const sorted = heights.slice().sort(), bottom = sorted[Math.floor(0.02 * sorted.length)];
  const range = Math.max(sorted[Math.floor(0.98 * sorted.length)] - bottom, 1e-6);
  const [from, to] = [low, high].map(words => words.split(" ").map(Number));
  const fine = picture.getContext("2d"), pixels = fine.createImageData(FINE, FINE);
  const step = (SIDE - 1) / (FINE - 1);
  for (let i = 0, to4 = 0; i < FINE; i++) {
    const v = (FINE - 1 - i) * step, r = Math.min(SIDE - 2, Math.floor(v)), dv = v - r;
    for (let j = 0; j < FINE; j++, to4 += 4) {
      const u = j * step, c = Math.min(SIDE - 2, Math.floor(u)), du = u - c, k = r * SIDE + c;
      const here = (1 - dv) * ((1 - du) * heights[k] + du * heights[k + 1]) +
        dv * ((1 - du) * heights[k + SIDE] + du * heights[k + SIDE + 1]);
      const t = Math.floor(Math.min(0.999, Math.max(0, (here - bottom) / range)) * BANDS) /
        (BANDS - 1);
      for (let p = 0; p < 3; p++) pixels.data[to4 + p] = from[p] + t * (to[p] - from[p]);
      pixels.data[to4 + 3] = 255;
    }
  }
  fine.putImageData(pixels, 0, 0);
  context.drawImage(picture, 0, 0, width, height);
}

// Both losses over the steps: rows of step, D's, G's.
export function line(canvas, rows) {
  const {context, width, height, color} = ready(canvas);
  context.fillStyle = context.strokeStyle = color("words");
  context.font = "12px system-ui, sans-serif";
  if (rows.length < 2) return;
  const values = rows.flatMap(row => [row[1], row[2]]).filter(Number.isFinite).sort((a, b) => a - b);
  if (!values.length) return;
  const low = values[Math.floor(0.01 * values.length)];
  const high = Math.max(values[Math.ceil(0.99 * values.length) - 1], low + 1e-3);
  const [left, right, top, bottom] = [38, width - 26, 8, height - 18], last = rows.at(-1)[0];
  const x = step => left + (right - left) * step / last;
  const y = v => bottom - (bottom - top) * Math.min(1.05, Math.max(-0.05, (v - low) / (high - low)));
  context.textAlign = "right";
  context.fillText(high.toFixed(2).replace("-", "−"), left - 5, top + 4);
  context.fillText(low.toFixed(2).replace("-", "−"), left - 5, bottom + 4);
  context.fillText(`${last} steps`, right, height - 3);
  context.textAlign = "left";
  const every = Math.max(1, Math.floor(rows.length / width));
  for (const [player, k, name, dashes] of [["D", 1, "real", []], ["G", 2, "made", [5, 2]]]) {
    context.strokeStyle = context.fillStyle = color(name);
    context.lineWidth = 1.6;
    context.setLineDash(dashes);
    context.beginPath();
    let end;
    for (let r = 0; r < rows.length; r += every) {
      if (!Number.isFinite(rows[r][k])) continue;
      context.lineTo(x(rows[r][0]), end = y(rows[r][k]));
    }
    context.stroke();
    context.setLineDash([]);
    if (end !== undefined) context.fillText(player, right + 6, end + 4);
  }
}
