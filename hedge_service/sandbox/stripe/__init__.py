"""A Stripe stand-in: Checkout, payments, refunds, disputes, events and signed webhooks."""

from hedge_service.sandbox.stripe.control import stripe_control_routes
from hedge_service.sandbox.stripe.delivery import DeliverySettings
from hedge_service.sandbox.stripe.http import stripe_routes
from hedge_service.sandbox.stripe.pay import pay_routes
from hedge_service.sandbox.stripe.standin import StripeStandIn

__all__ = ["DeliverySettings", "StripeStandIn", "pay_routes", "stripe_control_routes", "stripe_routes"]
