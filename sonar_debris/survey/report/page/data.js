// What the survey found. Scripts in data/ hand it over: a page opened as a file may not fetch.
"use strict";
const Report = {
  KEPT: 100, // parts in memory: of a long survey what was looked at lately
  parts: new Map(), // promises of their frames
  arrived: new Map(), // what keeps those promises
  objectOf: new Map(),

  survey(about) {
    this.about = about;
    // Each object stands for its best detection.
    about.objects.forEach((object) => this.objectOf.set(object.at(-1), object));
  },

  index(index) { this.found = index; },

  review(review) { this.session = review; },

  part(number, frames) { this.arrived.get(number)(frames); },

  // The frame that shows a detection, and the detection's place in it.
  async detection(number) {
    const starts = this.found.parts;
    const frames = await this.load(starts.findLastIndex((start) => start <= number));
    const frame = frames.findLast((each) => each.first <= number);
    return { frame, rank: number - frame.first };
  },

  load(number) {
    if (!this.parts.has(number)) {
      if (this.parts.size >= this.KEPT) this.parts.delete(this.parts.keys().next().value);
      this.parts.set(number, new Promise((resolve, reject) => {
        this.arrived.set(number, resolve);
        const script = document.createElement("script");
        script.src = `data/part-${String(number).padStart(5, "0")}.js`;
        script.onload = () => script.remove();
        script.onerror = () => reject(new Error(`${script.src} is missing`));
        document.head.append(script);
      }));
    }
    return this.parts.get(number);
  },

  nameOf(number) { return this.found.names[this.found.name[number]]; },

  // The file's name, and the frame's number if the file holds several.
  placeOf(frame) { return `${this.about.sources[frame.source]} · ${frame.position}`; },
};
