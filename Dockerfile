# One image for all processes of docker-compose.yml, which also says how the health of each is checked. It holds what
# requirements.lock names and the wheel. What builds the wheel stays in an environment of the first stage.
FROM python:3.13-slim AS installed
WORKDIR /application
RUN python -m venv /opt/bsg-campaigns && python -m venv /opt/build
COPY requirements.lock requirements-build.lock ./
RUN /opt/bsg-campaigns/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.lock
RUN /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY config config
COPY messages messages
COPY ledger ledger
COPY client client
COPY broker broker
COPY producer producer
COPY worker worker
COPY monitor monitor
COPY cli cli
COPY campaigns_django campaigns_django
COPY sandbox sandbox
COPY testing testing
COPY pyproject.toml README.md LICENSE ./
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .
RUN /opt/bsg-campaigns/bin/python -m pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
COPY --from=installed /opt/bsg-campaigns /opt/bsg-campaigns
ENV PATH=/opt/bsg-campaigns/bin:$PATH PYTHONUNBUFFERED=1
USER nobody
