"""Recordings whose formats have no open description, and how to get their frames out."""

CLOSED_FORMATS = {
    ".oculus": "a Blueprint Subsea Oculus recording, whose format is not open: export it from Oculus ViewPoint as MP4",
    ".son": "a BlueView recording, whose format is not open: export it from ProViewer as AVI or images",
    ".ddf": "a DIDSON recording, whose format is not open: export it from the DIDSON software as AVI or JPEG",
    ".ecd": "a Tritech recording, whose format is not open: export it from Gemini SeaNet as AVI or GLF",
}
