// Functions that create elements. Names of files and classes are inserted as text only, never as HTML.
"use strict";
const byId = (id) => document.getElementById(id);

function createElement(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

function createRow(cells) {
  const row = document.createElement("tr");
  row.append(...cells.map((cell) => createElement("td", cell ?? "", typeof cell === "number" ? "number" : "")));
  return row;
}

function createOption(value, text) {
  const option = createElement("option", text);
  option.value = value;
  return option;
}

// The part of a frame's picture around a detection, as the background of an element of width × height pixels.
function createCrop(frame, { x, y, w, h }, width, height) {
  const crop = createElement("div", frame.picture ? "" : "no picture", "crop");
  if (frame.picture) {
    const scale = Math.min(width / (1.6 * w), height / (1.6 * h), 6);
    crop.style.backgroundImage = `url("${frame.picture}")`;
    crop.style.backgroundSize = `${frame.cols * scale}px ${frame.rows * scale}px`;
    crop.style.backgroundPosition = `${width / 2 - (x + w / 2) * scale}px ${height / 2 - (y + h / 2) * scale}px`;
  }
  return crop;
}

function formatNumber(value, digits, unit) {
  return value === null ? "" : `${value.toFixed(digits)} ${unit}`;
}
