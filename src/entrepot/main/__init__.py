"""The only place that knows every implementation: settings in, application out, one module for each theme."""

from entrepot.main.assembly import assemble
from entrepot.main.parts import CHECKS, Parts, real_parts, wall_clock
from entrepot.main.running import prepare_access, start, stop

__all__ = ["CHECKS", "Parts", "assemble", "prepare_access", "real_parts", "start", "stop", "wall_clock"]
