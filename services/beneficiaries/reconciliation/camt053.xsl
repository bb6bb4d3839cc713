<?xml version="1.0" encoding="UTF-8"?>
<!--
  One line for each transaction of the first `whole` entries under the root, its fields parted by tabs; no field holds a
  tab or a line's end, since all white space in it is made one blank. What a transaction leaves out its entry says.
  Source: ISO 20022 BankToCustomerStatementV08, ReportEntry10 and EntryTransaction10.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:camt="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <xsl:output method="text"/>
  <xsl:param name="whole"/>
  <xsl:template match="/*">
    <xsl:for-each select="camt:Ntry[position() &lt;= $whole]">
      <xsl:variable name="entry" select="."/>
      <xsl:for-each select="descendant::camt:TxDtls">
        <xsl:variable name="amount" select="($entry/camt:Amt | camt:Amt)[last()]"/>
        <xsl:variable name="direction" select="($entry/camt:CdtDbtInd | camt:CdtDbtInd)[normalize-space()][last()]"/>
        <xsl:value-of select="normalize-space($entry/camt:Sts)"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space(camt:Refs/camt:EndToEndId)"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space($amount)"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space($amount/@Ccy)"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="boolean(camt:RtrInf) or normalize-space($direction) = 'CRDT'"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space(camt:RtrInf/camt:Rsn/camt:Cd)"/>
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space($entry/camt:ValDt/camt:Dt)"/>
        <xsl:text>&#10;</xsl:text>
      </xsl:for-each>
    </xsl:for-each>
  </xsl:template>
</xsl:stylesheet>
