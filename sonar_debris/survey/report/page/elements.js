// Building blocks of the page. Names of files and classes only ever become text.
"use strict";
const byId = (id) => document.getElementById(id);

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells.map((cell) => element("td", cell ?? "", typeof cell === "number" ? "number" : "")));
  return made;
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

// The part of a frame's picture around a box, as the background of an element of that many pixels.
function crop(frame, [x, y, w, h], width, height) {
  const made = element("div", frame.picture ? "" : "no picture", "crop");
  if (frame.picture) {
    const scale = Math.min(width / (1.6 * w), height / (1.6 * h), 6);
    made.style.backgroundImage = `url("${frame.picture}")`;
    made.style.backgroundSize = `${frame.cols * scale}px ${frame.rows * scale}px`;
    made.style.backgroundPosition = `${width / 2 - (x + w / 2) * scale}px ${height / 2 - (y + h / 2) * scale}px`;
  }
  return made;
}

function moment(seconds) {
  return seconds === null ? "" : new Date(1000 * seconds).toISOString().slice(0, 19).replace("T", " ");
}
