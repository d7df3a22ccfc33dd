from __future__ import annotations

from typing import ClassVar

from django import forms

from campaigns.models import Mailing


class MailingForm(forms.ModelForm):
    class Meta:
        model = Mailing
        fields: ClassVar = ["form_key", "name", "sender", "text", "contacts"]
        widgets: ClassVar = {"form_key": forms.HiddenInput, "text": forms.Textarea(attrs={"rows": 4})}
        help_texts: ClassVar = {
            "text": "with the columns of the file as {{ name }}",
            "contacts": "CSV or .xlsx with a phone column",
        }

    def validate_unique(self) -> None:
        """A form that is sent again is dealt with by the view, not an error."""


class OrderForm(forms.Form):
    phone = forms.CharField(help_text="with the country code")
    name = forms.CharField()
    order = forms.CharField()
