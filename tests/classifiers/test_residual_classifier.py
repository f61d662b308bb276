from sonar_debris.classifiers.networks import build_cnn_classifier, build_residual_classifier


def test_the_weights_do_not_grow_with_the_crop():
    assert build_residual_classifier(11, 64).count_params() == build_residual_classifier(11, 96).count_params()


def test_every_class_has_its_own_weights():
    assert build_residual_classifier(11).count_params() - build_residual_classifier(10).count_params() == 128 + 1


def test_it_is_smaller_than_the_plain_network_at_its_published_size():
    assert build_residual_classifier(10, 96).count_params() < build_cnn_classifier(10, 96).count_params()
