# An application in Node with containerpilot, on Alpine.
FROM node:22-alpine
COPY --from=containerpilot:alpine /opt/containerpilot /tmp/containerpilot
RUN node /tmp/containerpilot/cpctl.cjs install /opt/containerpilot \
  && rm -r /tmp/containerpilot
COPY node.json /etc/containerpilot.json
COPY node.mjs /app/node.mjs
ENTRYPOINT ["/opt/containerpilot/containerpilot", "-config", "file:///etc/containerpilot.json"]
CMD ["node", "/app/node.mjs"]
