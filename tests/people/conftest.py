"""What this area takes from the fabricated people."""

from tests.people.fabricated import eyes, fresh_loader, operator_user, submit

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]
