tandem_fuzz(sdp LINKS connector_core)
