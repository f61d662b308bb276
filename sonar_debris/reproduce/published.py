"""The figures of the published work, as shares in [0, 1] and numbers of weights.

References:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks, 2016,
    doi:10.1109/OCEANS.2016.7761140 (classification).
    Valdenegro-Toro, Submerged Marine Debris Detection with Autonomous Underwater Vehicles, 2016,
    doi:10.1109/RAHA.2016.7931907, and Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18 (proposals).
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662 (detection and recognition).
"""

# Accuracy on a random split of crops of 96×96, and the number of weights (of templates: pixels).
CLASSIFICATION = {
    "cnn-batchnorm": (0.992, 930_000),
    "cnn-dropout": (0.969, 930_000),
    "mlp-dropout-sigmoid": (0.621, 10_100_000),
    "mlp-dropout-tanh": (0.165, 10_100_000),
    "mlp-dropout-relu": (0.517, 10_100_000),
    "mlp-batchnorm-sigmoid": (0.655, 10_100_000),
    "mlp-batchnorm-tanh": (0.295, 10_100_000),
    "mlp-batchnorm-relu": (0.923, 10_100_000),
    "template-cross_correlation": (0.924, 8_500_000),
    "template-sum_of_squared_differences": (0.976, 8_500_000),
}

# Recall at IoU 0.5 of this many proposals a frame.
PROPOSAL_RECALL = {"objectness": {60: 0.94, 100: 0.96}, "selective-search": {2000: 0.95}, "edge-boxes": {5000: 0.97}}

# Shares of objects found, and of the found ones named right by the network and by an SVM on its features.
END_TO_END = {"found": 0.93, "named": 0.75, "named_by_svm": 0.85}
