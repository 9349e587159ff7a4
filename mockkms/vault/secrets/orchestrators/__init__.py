"""Secrets engines for servers with an HTTP API of their own: Consul, Nomad, RabbitMQ, Kubernetes."""
