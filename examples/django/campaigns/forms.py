from __future__ import annotations

from django import forms


class MailingForm(forms.Form):
    form_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    name = forms.CharField(max_length=100)
    sender = forms.CharField(max_length=11)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}), help_text="with the columns of the file as {{ name }}"
    )
    contacts = forms.FileField(help_text="CSV or .xlsx with a phone column")


class OrderForm(forms.Form):
    phone = forms.CharField(help_text="with the country code")
    name = forms.CharField()
    order = forms.CharField()
