# nginx with containerpilot, from its image of Debian: it brings a Node of its own.
FROM nginx:bookworm
COPY --from=containerpilot:archive /opt/containerpilot /opt/containerpilot
COPY nginx.json /etc/containerpilot.json
ENTRYPOINT ["/opt/containerpilot/containerpilot", "-config", "file:///etc/containerpilot.json"]
CMD ["nginx", "-g", "daemon off;"]
