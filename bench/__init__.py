"""What mockkms costs, measured: ``python -m bench`` from the checkout. See bench/README.md."""
