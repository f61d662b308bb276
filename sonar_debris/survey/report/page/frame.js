// A dialog with a whole frame and its detections.
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

  // Open the next or previous frame that has detections.
  step(step) {
    const number = step > 0 ? this.frame.first + this.frame.detections.length : this.frame.first - 1;
    if (number >= 0 && number < Report.count()) this.open(number);
  },

  async open(number) {
    const { frame, rank } = await Report.detection(number);
    this.frame = frame;
    byId("frame-name").textContent = `${Report.titleOf(frame)}  ${frame.time}`;
    byId("frame-picture").replaceChildren(...this.createPicture(frame), this.createBoxes(frame, rank));
    byId("frame-list").tBodies[0].replaceChildren(
      ...frame.detections
        .map((detection, index) => [frame.first + index, detection])
        .filter(([number]) => Report.index.verdict[number] !== "rejected" || Report.review.token)
        .map(([number, detection]) => createRow(this.cells(number, detection))));
    history.replaceState(null, "", `#detection=${number}`);
    if (!byId("frame").open) byId("frame").showModal();
  },

  createPicture(frame) {
    if (!frame.picture) return [];
    const image = createElement("img");
    image.src = frame.picture;
    image.alt = Report.titleOf(frame);
    return [image];
  },

  createBoxes(frame, selectedRank) {
    const svg = this.createSvgElement("svg", { viewBox: `0 0 ${frame.cols} ${frame.rows}` });
    frame.detections.forEach(({ x, y, w, h }, rank) => {
      const number = frame.first + rank;
      // A reviewer sees rejected boxes, to undo a decision; a reader of the report does not.
      if (Report.index.verdict[number] === "rejected" && !Report.review.token) return;
      const className = `${Report.index.verdict[number]} ${rank === selectedRank ? "selected" : ""}`;
      const label = this.createSvgElement("text", { x, y: Math.max(10, y - 3) });
      label.textContent = Report.labelOf(number);
      svg.append(this.createSvgElement("rect", { x, y, width: w, height: h, class: className }), label);
    });
    return svg;
  },

  createSvgElement(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  },

  // The cells of a detection's row in the list.
  cells(number, detection) {
    const { latitude, longitude } = detection;
    return [
      Report.classOf(number),
      Report.index.score[number].toFixed(2),
      formatNumber(detection.range_m, 2, "m"),
      formatNumber(detection.bearing_deg, 1, "°"),
      formatNumber(detection.width_m, 2, "m"),
      formatNumber(detection.range_extent_m, 2, "m"),
      latitude === null ? "" : `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`,
    ];
  },
};
