//! HL7 version 2 messages in their pipe-and-hat encoding (ER7).
