// What the survey found. Scripts in data/ hand it over: a page opened as a file may not fetch.
"use strict";
const Report = {
  waiting: new Map(),
  parts: new Map(),
  objectOf: new Map(),

  survey(about) {
    this.about = about;
    // Each object stands for its best detection.
    about.objects.forEach((object) => this.objectOf.set(object.at(-1), object));
  },

  index(index) { this.found = index; },

  review(review) { this.session = review; },

  part(number, frames) {
    this.parts.set(number, frames);
    this.waiting.get(number)?.();
    this.waiting.delete(number);
  },

  // The frame that shows a detection, and the detection's place in it.
  async detection(number) {
    const starts = this.found.parts;
    let part = starts.findLastIndex((start) => start <= number);
    const frames = await this.load(part);
    const frame = frames.findLast((each) => each.first <= number);
    return { frame, rank: number - frame.first };
  },

  async load(number) {
    if (!this.parts.has(number)) {
      await new Promise((resolve, reject) => {
        this.waiting.set(number, resolve);
        const script = document.createElement("script");
        script.src = `data/part-${String(number).padStart(5, "0")}.js`;
        script.onerror = () => reject(new Error(`${script.src} is missing`));
        document.head.append(script);
      });
      // Of a long survey only what was looked at lately is kept.
      if (this.parts.size > 20) this.parts.delete(this.parts.keys().next().value);
    }
    return this.parts.get(number);
  },

  nameOf(number) { return this.found.names[this.found.name[number]]; },

  // The file's name, and the frame's number if the file holds several.
  placeOf(frame) { return `${this.about.sources[frame.source]} · ${frame.position}`; },
};
