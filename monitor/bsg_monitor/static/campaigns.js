// Keeps the page up to date: fetches it anew and puts in what has changed, leaving all else (scroll, focus) alone.
(function () {
    "use strict";

    var PERIOD = 2000;
    var stale = document.querySelector(".campaigns-stale");

    // Where somebody writes or is about to press a button, nothing moves.
    function busy(region) {
        return region.matches(":active") || region.contains(document.activeElement) &&
            document.activeElement.tagName === "INPUT";
    }

    // What has the focus keeps it when its region is another: a link or a button is known by where it leads.
    function inFocus(region) {
        var element = document.activeElement;
        var name = ["href", "formaction"].find(function (one) { return element.hasAttribute(one); });
        return region.contains(element) && name ? "[" + name + "=" + CSS.escape(element.getAttribute(name)) + "]" : null;
    }

    function put(text) {
        var fresh = new DOMParser().parseFromString(text, "text/html");
        document.querySelectorAll("[data-live]").forEach(function (region) {
            var other = fresh.querySelector('[data-live="' + region.dataset.live + '"]');
            if (other && other.innerHTML !== region.innerHTML && !busy(region)) {
                var selector = inFocus(region);
                region.innerHTML = other.innerHTML;
                var focused = selector && region.querySelector(selector);
                if (focused) {
                    focused.focus({preventScroll: true});
                }
            }
        });
    }

    async function refresh() {
        if (document.hidden) {
            return;
        }
        try {
            var response = await fetch(window.location.href, {credentials: "same-origin", redirect: "error"});
            if (!response.ok) {
                throw new Error(response.statusText);
            }
            put(await response.text());
            stale.hidden = true;
        } catch (error) {
            stale.hidden = false;
        }
    }

    async function follow() {
        await refresh();
        window.setTimeout(follow, PERIOD);
    }

    document.addEventListener("click", function (event) {
        var question = event.target.dataset.confirm;
        if (question && !window.confirm(question)) {
            event.preventDefault();
        }
    });
    if (stale) {
        document.addEventListener("visibilitychange", refresh);
        window.setTimeout(follow, PERIOD);
    }
}());
