"use strict";
Overview.start();
Filters.start();
Gallery.start();
FrameView.start();
Review.start();
