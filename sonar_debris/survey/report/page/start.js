"use strict";
Overview.start();
Filters.start();
Gallery.start();
Review.start();
FrameView.start();
