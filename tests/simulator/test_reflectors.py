import numpy as np

from sonar_debris.simulator.reflectors import Canvas, arc, box


def test_a_positive_angle_rotates_clockwise():
    canvas = Canvas(centre=(100, 200), angle=90)
    canvas.line([(0, 0), (30, 0)], level=40)
    rows, cols = np.nonzero(canvas.echo)
    assert rows.min() >= 198 and rows.max() >= 229  # the right end is now at the bottom
    assert np.ptp(cols) <= 3


def test_scale_2_doubles_a_box():
    canvas = Canvas(centre=(100, 200), scale=2)
    canvas.fill(box(20, 10), level=40)
    rows, cols = np.nonzero(canvas.echo)
    assert abs(np.ptp(cols) - 40) <= 1 and abs(np.ptp(rows) - 20) <= 1


def test_a_line_takes_one_level_per_segment():
    canvas = Canvas(centre=(100, 200))
    canvas.line([(0, 0), (20, 0), (40, 0)], level=[30, 50], width=1)
    assert canvas.echo[200, 105] == 30 and canvas.echo[200, 135] == 50


def test_blocking_sound_draws_no_echo():
    canvas = Canvas(centre=(100, 200))
    canvas.block(box(10, 10))
    assert canvas.body.any() and not canvas.echo.any()


def test_an_arc_from_0_to_90_runs_from_the_right_towards_the_sonar():
    points = arc(20, 10, 0, 90, centre=(5, 5))
    assert np.allclose(points[[0, -1]], [[15, 5], [5, 10]])
