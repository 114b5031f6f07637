tandem_fuzz(rtp LINKS connector_media)
