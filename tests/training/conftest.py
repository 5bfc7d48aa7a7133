"""What this area takes from the fabricated people."""

from tests.fabricated import eyes, fresh_loader, operator_user, submit

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]
