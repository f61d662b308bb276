// A dialog with a whole frame and its detections. In review its boxes can be changed; see labels.js.
"use strict";
const FrameView = {
  start() {
    byId("frame-close").onclick = () => byId("frame").close();
    byId("frame-previous").onclick = () => this.step(-1);
    byId("frame-next").onclick = () => this.step(1);
    byId("frame").addEventListener("close", () => history.replaceState(null, "", " "));
    byId("frame").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.step(step);
    });
    const link = /^#detection=(\d+)$/.exec(location.hash);
    if (link && Number(link[1]) < Report.count()) this.open(Number(link[1]));
  },

  // Open the next or previous frame: of the suggested ones, or of those that have detections.
  step(step) {
    if (Labels.suggestions.length) return Labels.step(step);
    const number = step > 0 ? this.frame.first + this.frame.detections.length : this.frame.first - 1;
    if (number >= 0 && number < Report.count()) this.open(number);
  },

  async open(number) {
    const { frame, rank } = await Report.detection(number);
    this.frame = frame;
    history.replaceState(null, "", `#detection=${number}`);
    if (Review.isOpen) {
      Labels.suggestions = [];
      return Labels.open(frame.source, frame.position, rank);
    }
    const boxes = frame.detections
      .map((detection, index) => ({ ...detection, number: frame.first + index }))
      .filter(({ number }) => Report.index.verdict[number] !== "rejected")
      .map((box) => ({
        ...box, class: Report.classOf(box.number), score: Report.index.score[box.number],
        verdict: Report.index.verdict[box.number], selected: box.number === number,
      }));
    this.show(frame, boxes);
  },

  // Show a frame and its boxes, each with its place, class, score and verdict.
  show(frame, boxes) {
    byId("frame-name").textContent = `${Report.titleOf(frame)}  ${frame.time}`;
    const picture = byId("frame-picture");
    picture.style.aspectRatio = `${frame.cols} / ${frame.rows}`;
    picture.style.width = `min(100%, calc(65vh * ${frame.cols / frame.rows}))`;
    picture.replaceChildren(...this.createPicture(frame), this.createBoxes(frame, boxes));
    byId("frame-list").tBodies[0].replaceChildren(...boxes.map((box) => createRow(this.cells(box))));
    if (!byId("frame").open) byId("frame").showModal();
  },

  createPicture(frame) {
    if (!frame.picture) return [];
    const image = createElement("img");
    image.src = frame.picture;
    image.alt = Report.titleOf(frame);
    image.draggable = false;
    return [image];
  },

  createBoxes(frame, boxes) {
    const svg = this.createSvgElement("svg", { viewBox: `0 0 ${frame.cols} ${frame.rows}` });
    // Small boxes last, so that large ones do not cover them.
    for (const box of [...boxes].sort((a, b) => b.w * b.h - a.w * a.h)) {
      const { x, y, w, h } = box;
      const label = this.createSvgElement("text", { x, y: Math.max(10, y - 3) });
      label.textContent = `${box.class} ${box.score.toFixed(2)}`;
      const className = `${box.verdict} ${box.selected ? "selected" : ""}`;
      const rect = this.createSvgElement("rect", { x, y, width: w, height: h, class: className });
      if (box.rank !== undefined) rect.dataset.rank = box.rank;
      svg.append(rect, label);
    }
    return svg;
  },

  createSvgElement(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  },

  // The cells of a box's row in the list.
  cells(box) {
    return [
      box.class,
      box.score.toFixed(2),
      formatNumber(box.range_m, 2, "m"),
      formatNumber(box.bearing_deg, 1, "°"),
      formatNumber(box.width_m, 2, "m"),
      formatNumber(box.range_extent_m, 2, "m"),
      box.latitude === null ? "" : `${box.latitude.toFixed(6)}, ${box.longitude.toFixed(6)}`,
      box.verdict,
    ];
  },
};
