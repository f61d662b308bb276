"""Write detections and frames to files: COCO, CSV, annotated pictures, PNG and video."""
