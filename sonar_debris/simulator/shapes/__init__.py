"""How each class of object reflects sound."""

from sonar_debris.simulator.shapes.bottle import bottle
from sonar_debris.simulator.shapes.can import can
from sonar_debris.simulator.shapes.chain import chain
from sonar_debris.simulator.shapes.drink_carton import drink_carton
from sonar_debris.simulator.shapes.hook import hook
from sonar_debris.simulator.shapes.propeller import propeller
from sonar_debris.simulator.shapes.reflector import Reflector
from sonar_debris.simulator.shapes.shampoo_bottle import shampoo_bottle
from sonar_debris.simulator.shapes.standing_bottle import standing_bottle
from sonar_debris.simulator.shapes.tire import tire
from sonar_debris.simulator.shapes.valve import valve
from sonar_debris.simulator.shapes.wall import wall

OBJECTS = {
    "bottle": bottle,
    "can": can,
    "chain": chain,
    "drink-carton": drink_carton,
    "hook": hook,
    "propeller": propeller,
    "shampoo-bottle": shampoo_bottle,
    "standing-bottle": standing_bottle,
    "tire": tire,
    "valve": valve,
}

__all__ = ["OBJECTS", "Reflector", "wall"]
