"""The settings of automated credential rotation, an enterprise feature: stored, unless they would start a rotation.

Source: Vault's ``sdk/helper/automatedrotationutil``.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.golang import cron
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

NAMES = ("rotation_schedule", "rotation_window", "rotation_period", "disable_automated_rotation", "rotation_policy")


def fields(needs: Feature | None = None) -> dict[str, Field]:
    """Return the parameters, declared for products with the feature ``needs``; for all of them if it is None."""
    return {
        "rotation_schedule": Field(Kind.STRING, help="Schedule of rotations, in cron syntax.", needs=needs),
        "rotation_window": Field(
            Kind.SECONDS, help="Seconds after a scheduled time in which the rotation may happen.", needs=needs
        ),
        "rotation_period": Field(Kind.SECONDS, help="Seconds between rotations.", needs=needs),
        "disable_automated_rotation": Field(Kind.BOOL, help="Disable automated rotation.", needs=needs),
        "rotation_policy": Field(Kind.STRING, help="Name of a rotation policy.", needs=Feature.ROTATION_POLICY),
    }


@dataclass
class AutomatedRotation:
    """The rotation settings of a configuration; times in seconds."""

    rotation_schedule: str = ""
    rotation_window: int = 0
    rotation_period: int = 0
    disable_automated_rotation: bool = False
    rotation_policy: str = ""

    def parse_rotation(self, call: Call) -> None:
        """Set the fields sent with the call. Raises ValueError with the server's text."""
        schedule: str | None = call.get("rotation_schedule")
        window: int | None = call.get("rotation_window")
        period: int | None = call.get("rotation_period")
        if schedule and period:
            raise ValueError(
                "mutually exclusive fields rotation_schedule and rotation_period were both specified; "
                "only one of them can be provided"
            )
        if schedule:
            try:
                cron.parse(schedule)
            except ValueError as error:
                raise ValueError(f"failed to parse provided rotation_schedule: {error}") from None
        if window and period:
            raise ValueError("rotation_window does not apply to period")
        if window and schedule is None:
            raise ValueError("cannot use rotation_window without rotation_schedule")
        for name in NAMES:
            if name in call:
                setattr(self, name, call[name])

    def changed_rotation(self) -> dict[str, object]:
        """Return the settings that are not as a new configuration has them."""
        fresh = AutomatedRotation()
        return {name: getattr(self, name) for name in NAMES if getattr(self, name) != getattr(fresh, name)}

    def register_rotation(self) -> None:
        """Refuse to start a rotation. Raises ValueError with the server's text."""
        if not self.disable_automated_rotation and (self.rotation_schedule or self.rotation_period):
            # The real server's message contains the text twice: once from the mount, once from its caller (recorded).
            text = "rotation manager capabilities not supported in Vault community edition"
            raise ValueError(f"error registering rotation job: error registering rotation job: {text}")

    def shown_rotation(self, product: Product) -> dict[str, object]:
        """Return the settings as a read of ``product`` shows them."""
        names = NAMES if product.has(Feature.ROTATION_POLICY) else NAMES[:-1]
        return {name: getattr(self, name) for name in names}
