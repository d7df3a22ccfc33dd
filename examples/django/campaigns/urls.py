from __future__ import annotations

from django.urls import path

from campaigns import views

app_name = "campaigns"
urlpatterns = [
    path("", views.new, name="new"),
    path("mailings/<int:mailing_id>", views.show, name="show"),
    path("mailings/<int:mailing_id>/progress", views.progress, name="progress"),
    path("orders", views.confirm_order, name="order"),
    path("messages/<str:message_id>", views.show_message, name="message"),
]
