"""The builder: the one file that knows every room."""

from functools import partial

from quart import Quart

from app.accounts import routes as accounts
from app.accounts.addresses import routes as addresses
from app.accounts.closure import routes as closure
from app.accounts.links import routes as links
from app.admin import routes as admin
from app.admin.gallery import routes as gallery
from app.audit import routes as audit
from app.cart import routes as cart
from app.cart import service as carts
from app.catalog import routes as catalog
from app.checkout import routes as checkout
from app.home import routes as home
from app.machines import Machines, build_machines
from app.operators import routes as operators
from app.ops import routes as ops
from app.orders import routes as orders
from app.payments import routes as payments
from app.search import routes as search
from app.settings import Settings
from app.web import addresses as numbers
from app.web import (
    caller,
    connection,
    counter,
    crowd,
    errors,
    guards,
    handout,
    hooks,
    language,
    security,
    session,
    shape,
    static,
    threshold,
)
from app.web.assets import Assets
from app.web.render import Templates

ROOMS = (
    *(home, catalog, search, cart, checkout, payments, orders),
    *(accounts, addresses, links, closure, operators, admin, gallery, audit, ops),
)


def create_app(settings: Settings, machines: Machines | None = None) -> Quart:
    """Build the shop's web application. ``machines`` replaces the ones that settings would build."""
    app = Quart(__name__, static_folder=None)
    app.url_map.converters["int"] = numbers.NumberConverter
    app.url_map.merge_slashes = False  # it would redirect to whatever host the request names
    m = machines or build_machines(settings)
    assets = Assets()
    app.extensions["machines"] = m
    caller.register(app, settings.proxies)
    app.extensions["assets"] = assets
    app.extensions["templates"] = Templates(settings, assets)
    static.register(app, assets, settings.data_path / "pictures")
    security.register(app, settings, assets)
    language.register(app)
    errors.register(app)
    connection.register(app)
    handout.register(app, m)
    counter.register(app, m, cart.ERRANDS)
    threshold.register(app)
    shape.register(app)
    guards.register(app)
    session.register(app)
    hooks.join(app)
    crowd.register(app, settings, partial(payments.take_place, app))
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
    if machines is None:
        app.before_serving(partial(_open, m))
        app.after_serving(m.close)
    return app


async def _open(m: Machines) -> None:
    """Connect to the broker, and meet a Redis without history before the first shopper does."""
    await m.amqp.start()
    m.background.spawn(carts.prepare(m), "cart barrier")
