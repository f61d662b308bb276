// A whole frame with its boxes.
"use strict";
const FrameView = {
  start() {
    byId("frame-close").onclick = () => byId("frame").close();
    byId("frame-previous").onclick = () => this.step(-1);
    byId("frame-next").onclick = () => this.step(1);
    byId("frame").addEventListener("close", () => history.replaceState(null, "", " "));
    byId("frame").addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (steps) this.step(steps);
    });
    const linked = /^#detection=(\d+)$/.exec(location.hash);
    if (linked && Number(linked[1]) < Report.found.source.length) this.open(Number(linked[1]));
  },

  // The frames before and after that show something.
  step(steps) {
    const number = steps > 0 ? this.frame.first + this.frame.detections.length : this.frame.first - 1;
    if (number >= 0 && number < Report.found.source.length) this.open(number);
  },

  async open(number) {
    const { frame, rank } = await Report.detection(number);
    this.frame = frame;
    byId("frame-name").textContent = `${Report.placeOf(frame)}  ${moment(frame.time)}`;
    byId("frame-picture").replaceChildren(...this.picture(frame), this.boxes(frame, rank));
    byId("frame-list").tBodies[0].replaceChildren(
      ...frame.detections.map((detection, each) => row(this.facts(frame.first + each, detection))));
    history.replaceState(null, "", `#detection=${number}`);
    if (!byId("frame").open) byId("frame").showModal();
  },

  picture(frame) {
    if (!frame.picture) return [];
    const image = element("img");
    image.src = frame.picture;
    image.alt = Report.placeOf(frame);
    return [image];
  },

  boxes(frame, chosen) {
    const svg = this.svg("svg", { viewBox: `0 0 ${frame.cols} ${frame.rows}` });
    frame.detections.forEach(([x, y, width, height], rank) => {
      const number = frame.first + rank;
      const className = `${Report.found.verdict[number]} ${rank === chosen ? "chosen" : ""}`;
      const label = this.svg("text", { x, y: Math.max(10, y - 3) });
      label.textContent = `${Report.nameOf(number)} ${Report.found.score[number].toFixed(2)}`;
      svg.append(this.svg("rect", { x, y, width, height, class: className }), label);
    });
    return svg;
  },

  svg(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  },

  facts(number, [, , , , range, bearing, width, height, latitude, longitude]) {
    const known = (value, digits, unit) => (value === null ? "" : `${value.toFixed(digits)} ${unit}`);
    return [
      Report.nameOf(number), Report.found.score[number].toFixed(2), known(range, 2, "m"), known(bearing, 1, "°"),
      known(width, 2, "m"), known(height, 2, "m"), latitude === null ? "" : `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`,
    ];
  },
};
