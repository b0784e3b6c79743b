# An application in Node with containerpilot: there is one Node, the image's, and V8's code is made for it.
FROM node:22-bookworm-slim
COPY --from=containerpilot:archive /opt/containerpilot /tmp/containerpilot
RUN rm /tmp/containerpilot/node \
  && node /tmp/containerpilot/cpctl.cjs install /opt/containerpilot \
  && rm -r /tmp/containerpilot
COPY node.json /etc/containerpilot.json
COPY node.mjs /app/node.mjs
ENTRYPOINT ["/opt/containerpilot/containerpilot", "-config", "file:///etc/containerpilot.json"]
CMD ["node", "/app/node.mjs"]
