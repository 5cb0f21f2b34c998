"""A small in-process AMQP 0-9-1 server, in memory, that behaves as RabbitMQ does where the shop can tell."""

from sandbox.amqp.server import AmqpServer

__all__ = ["AmqpServer"]
