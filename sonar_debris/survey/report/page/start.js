"use strict";
Overview.fill();
Filters.fill();
Gallery.start();
FrameView.start();
Review.start();
