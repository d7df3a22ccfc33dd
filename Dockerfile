# One image for all processes of docker-compose.yml, which also tells how each one's health is checked. The steps are those
# of the Makefile's installation; what they need to build stays behind in the first stage.
FROM python:3.13-slim AS installed
WORKDIR /application
RUN python -m venv /opt/bsg-campaigns
COPY requirements.lock ./
RUN /opt/bsg-campaigns/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.lock
COPY config config
COPY messages messages
COPY ledger ledger
COPY client client
COPY broker broker
COPY producer producer
COPY worker worker
COPY monitor monitor
COPY cli cli
COPY sandbox sandbox
COPY pyproject.toml README.md LICENSE ./
RUN /opt/bsg-campaigns/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=installed /opt/bsg-campaigns /opt/bsg-campaigns
ENV PATH=/opt/bsg-campaigns/bin:$PATH PYTHONUNBUFFERED=1
USER nobody
